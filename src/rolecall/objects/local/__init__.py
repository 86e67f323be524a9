"""Object bytes in the files of a local folder."""

from rolecall.objects.local.blobs import BlobFile, BlobFiles
from rolecall.objects.local.engine import LocalObjects

__all__ = ["BlobFile", "BlobFiles", "LocalObjects"]
