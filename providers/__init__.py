"""Pulumi provider plugins of this project. Each folder is one plugin; `kit` is the protocol that they share."""
