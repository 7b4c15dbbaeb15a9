"""The resource kinds of the plugin, one a file. They may use the clients and the metadata rules of the folder above."""
