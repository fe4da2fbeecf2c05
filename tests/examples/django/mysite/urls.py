from django.urls import path
from greetings.views import index, result

urlpatterns = [path("", index), path("results/<str:result_id>/", result, name="result")]
