"""OpenAI's models through the Responses API, and compatible servers through Chat Completions."""
