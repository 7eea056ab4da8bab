"""The worked example of docs/developing: a page type and a block, added by the steps that are told there."""
