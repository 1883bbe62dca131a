"""Money, as the console shows and moves it: balances, ledger entries, orders, codes, invitations, corrections, spend.

`queries`, `mutations` and `access` compose what the modules of the nouns hold. What moves money is in `clinx.billing`
and `clinx.payments`: here it is found, asked for, and shown.
"""
