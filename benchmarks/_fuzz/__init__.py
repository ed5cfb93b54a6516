"""Damaged files, and what becomes of the process that reads them.

- `wholes`: whole files of every kind that siamlab reads, and such as wish it ill, of
  `sounds`, `texts`, `archives`, `networks` and what is `kept`.
- `damage`: what transports, disks, editors and bad wishes do to a file.
- `readers`: siamlab, as a person calls it on such a file.
- `worker`: the process that reads; `watch`: the one that watches it.
"""
