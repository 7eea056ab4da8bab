"""Decides how GraphQL requests are read and answered over HTTP: parsing, registered documents, execution, caching.

May import: the other packages of cms.graphql, cms.http.
"""
