"""Decides how a GraphQL request arrives over HTTP and how its answer leaves: parsing, registered documents, caching.

May import: the other packages of cms.graphql, cms.http.
"""
