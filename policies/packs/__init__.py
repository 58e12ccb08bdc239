"""The packs that come with agentrt, one YAML file each."""
