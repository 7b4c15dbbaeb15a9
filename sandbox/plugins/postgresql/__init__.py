"""Stand-in for the plugin `postgresql` (pulumi-postgresql 3.18), for the resource types that the stack uses.

Its SQL follows the published plugin's, seen in version 3.18.0.
"""
