"""Explicit invalidation: Django's signals tell which cached pages are no longer true, django-redis removes them."""

from django.core.cache import cache
from django.db import models, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver


class Product(models.Model):
    shelf = models.CharField(max_length=50)
    name = models.CharField(max_length=100)

    class Meta:
        app_label = "shop"


def shelf(name):
    """The names of all products on a shelf: one query, then none until the shelf changes."""
    key = f"shelf:{name}"
    names = cache.get(key)
    if names is None:
        names = list(Product.objects.filter(shelf=name).order_by("name").values_list("name", flat=True))
        cache.set(key, names, timeout=3600)
    return names


@receiver([post_save, post_delete], sender=Product)
def forget_shelf(instance, **_):
    # Not before the commit: until then everybody else reads, and would keep, what was there before.
    transaction.on_commit(lambda: cache.delete(f"shelf:{instance.shelf}"))


def forget_all_shelves():
    """For what sends no signals, such as a bulk update."""
    return cache.delete_pattern("shelf:*")
