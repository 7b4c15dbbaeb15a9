"""What the stack declares, one file a system. Components may import the providers' resource classes and each other's outputs as
arguments; they read no configuration and call nothing outside."""
