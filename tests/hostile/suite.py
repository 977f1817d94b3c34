"""All of it: each side's cases, who plays one, and where."""

import associate
import field
import messages
import states


def receiver_cases():
    return [*states.attacks(), *associate.attacks(), *messages.attacks()]


SIDES = {"receiver": (receiver_cases, field.attack_once, field.Field)}
