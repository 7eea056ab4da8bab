import graphene
class PageInterface(graphene.Interface):
    id = graphene.ID(required=True)
