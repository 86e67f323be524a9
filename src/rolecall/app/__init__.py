"""The composition root: the only room that names concrete engines, and the commands that own a data folder."""
