"""What the gateway says by itself: to people whose balance is low, and to operators when something goes wrong.

Nouns: News (what is said, in no language yet), Herald (all of this room, wired), Operators (hear of opened channels and
of trees that did not load), LowBalances (finds whom to tell that little is left), Courier (posts news to webhooks,
signed), note (the row that makes several processes say a thing once: `storage.notices`). What does not belong: letters
that somebody asked for, which `accounts` sends; how an e-mail is written and handed over, which is `mail`.
"""
