"""Curating a dataset: look at takes, mend them, take changes back, and find what spoils a model.

    takes      which takes a command means          activity   where something happens in one
    changing   trim, cut, relabel, remove           salvage    what a killed recording left
    checks     clipped, flat, doubled, leaking …    outliers   takes that validation doubts
    pictures   samples and spectra

Every change goes through `journal.py`, so it is whole or not there, and can be undone.
"""
