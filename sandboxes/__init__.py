"""Where actions happen. Each folder is one way to confine them; all meet ``agentrt.contracts.Sandbox``."""
