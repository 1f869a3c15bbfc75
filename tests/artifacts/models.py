"""A pydantic model, in a module of its own since pydantic may be missing."""

from pydantic import BaseModel


class Model(BaseModel):
    a: int
    b: tuple[int, ...] = (1,)
