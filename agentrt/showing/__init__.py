"""How things are shown to people: words, patches, and the one border untrusted text passes."""
