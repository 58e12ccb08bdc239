"""The agent: a conversation, planners that continue it, and the loop that carries out what they propose."""
