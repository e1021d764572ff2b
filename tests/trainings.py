"""Trainings as `app.requests` knows them: the purposes, their jobs, and how output is read."""

from functools import partial

from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import Training
from app.fal.client import Fal
from app.fal.trainers import PORTRAIT, model_of
from app.photos.scratch import ScratchFolder
from app.photos.storage import PhotoStorage
from app.requests import forget, service
from app.requests.purpose import Purposes
from app.requests.submit import SubmitRequest
from app.trainings.prepare import PrepareTraining
from app.trainings.purpose import TRAINING
from tests.decoders import IN_THREADS

PURPOSES = Purposes((TRAINING,))
SUBMIT, POLL, CANCEL = (TRAINING.kind(job) for job in (service.SUBMIT, service.POLL, service.CANCEL))
FORGET, FIND_AND_FORGET = (TRAINING.kind(job) for job in (forget.FORGET, forget.FIND_AND_FORGET))
READ_PORTRAIT = partial(model_of, trainer=PORTRAIT, confirmed=True)


def submit_training(
    database: Database, fal: Fal, storage: PhotoStorage, scratch: ScratchFolder, settings: Settings
) -> SubmitRequest[Training]:
    """The job, with photos decoded in threads."""
    preparation = PrepareTraining(database, fal, storage, scratch, IN_THREADS)
    return SubmitRequest(TRAINING, preparation, database, fal, settings)
