import os

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "only for this machine")
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["greetings"]
MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
USE_TZ = True

TASKS = {"default": {"BACKEND": "ftask.django.FtaskBackend"}}
