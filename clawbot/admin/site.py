"""The admin of this house. It has the tables that the files beside this one register here, and no other:
what a package registers for itself goes to Django's own site, which has no address."""

from django.contrib.admin import AdminSite

site = AdminSite(name="admin")
