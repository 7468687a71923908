"""Django's signals, django-redis and PostgreSQL: shelves are right after every change, and not before the commit."""

import os

import django
from check import equal
from django.conf import settings
from neighbours import postgres

with postgres() as direct:
    settings.configure(
        CACHES={"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["CACHE_URL"]}},
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "shop", "HOST": direct.info.host}},
        SECRET_KEY="not secret",
        USE_TZ=True,
    )
    django.setup()
    from django.core.cache import cache
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext
    from django_invalidation import Product, forget_all_shelves, shelf

    with connection.schema_editor() as editor:
        editor.create_model(Product)

    apple = Product.objects.create(shelf="fruit", name="apple")
    Product.objects.create(shelf="bread", name="rye")
    with CaptureQueriesContext(connection) as queries:
        equal([shelf("fruit"), shelf("fruit"), shelf("bread")], [["apple"], ["apple"], ["rye"]])
    equal(len(queries), 2, "queries")

    Product.objects.create(shelf="fruit", name="pear")
    equal(shelf("fruit"), ["apple", "pear"])
    with CaptureQueriesContext(connection) as queries:
        equal(shelf("bread"), ["rye"])
    equal(len(queries), 0, "another shelf is still known")
    apple.name = "green apple"
    apple.save()
    equal(shelf("fruit"), ["green apple", "pear"])
    apple.delete()
    equal(shelf("fruit"), ["pear"])

    with transaction.atomic():
        Product.objects.create(shelf="fruit", name="plum")
        equal(cache.get("shelf:fruit"), ["pear"], "before the commit")
    equal([cache.get("shelf:fruit"), shelf("fruit")], [None, ["pear", "plum"]], "after the commit")
    try:
        with transaction.atomic():
            Product.objects.create(shelf="fruit", name="never")
            raise InterruptedError
    except InterruptedError:
        pass
    equal(cache.get("shelf:fruit"), ["pear", "plum"], "after a rollback")

    Product.objects.filter(name="plum").update(name="damson")
    equal(shelf("fruit"), ["pear", "plum"], "a bulk update sends no signal")
    equal(forget_all_shelves(), 2)
    equal(shelf("fruit"), ["damson", "pear"])
    connection.close()
print("Django's signals, django-redis, PostgreSQL")
