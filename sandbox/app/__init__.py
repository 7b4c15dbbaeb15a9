"""'Try your login': the application that a user of the stack would write, to log in with and look at what came of it.

It knows a tenant's domain, its own client and Hasura's address, all from one JSON file, and reaches both over HTTP as any
application does. It may import nothing of the stack and nothing of the other rooms of the sandbox but `sandbox.errors`.
"""
