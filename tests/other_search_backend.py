"""A search backend that is no database: it has all rows for every query, in no order that means anything."""

from modelsearch.backends.base import BaseSearchBackend, BaseSearchQueryCompiler, BaseSearchResults


class Results(BaseSearchResults):
    def _do_search(self):
        return list(self.query_compiler.queryset)[self.start : self.stop]


class SearchBackend(BaseSearchBackend):
    query_compiler_class = BaseSearchQueryCompiler
    results_class = Results
