"""The routes of the face. The OpenAPI document leaves them out: their description is Replicate's own."""

from flask import Blueprint

from api.replicate import account, files, models, predictions
from shared.replicate.prediction import HOME

blueprint = Blueprint("replicate", __name__, url_prefix=HOME)
for part in (predictions, models, files, account):
    blueprint.register_blueprint(part.blueprint)
