"""What every context speaks: facts and their marks, ids, refusals."""
