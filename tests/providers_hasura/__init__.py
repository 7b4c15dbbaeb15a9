"""The plugin `hasura`: merging as unit tests, the plugin itself over gRPC against in-process fakes of Hasura and its Cloud."""
