"""Running an action, wherever a sandbox has it run: started, limited, watched, and its files read and written.

Nothing here imports anything but its siblings and the standard library, as it may run where nothing of ours is
installed; there Python is 3.9 or later.
"""
