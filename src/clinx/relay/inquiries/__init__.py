"""What people ask of the gateway about itself: why a call went there, what another would cost, what a tree would mean.

Nouns: `CaseStory` and `LogStory` tell what became of a call, `Outcome` is a plan, `Inquirer` answers the console. All
of it only looks, but for a channel test, which sends a small request.

What does not belong here: serving (`relay`), printing (`cli`), fields (`graphql`).
"""
