"""The pictures, questions, network and trainer of the embedded model that sees (../train_vl.py)."""
