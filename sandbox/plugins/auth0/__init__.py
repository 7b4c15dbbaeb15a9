"""Stand-in for the plugin `auth0` (pulumi-auth0 3.49 to 3.55), for the resource types that the stack uses.

Its calls follow the traffic of the published plugin: the same requests in the same order, recorded from version 3.49.
"""
