"""All of it: each side's cases, who plays one, and where."""

import associate
import field
import messages
import misbehaviour
import sending
import states


def receiver_cases():
    return [*states.attacks(), *associate.attacks(), *messages.attacks()]


def sender_cases():
    return [*misbehaviour.cases()]


SIDES = {"receiver": (receiver_cases, field.attack_once, field.Field),
         "sender": (sender_cases, sending.play_once, sending.make)}
