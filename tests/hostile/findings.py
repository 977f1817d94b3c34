"""What the suite has found, by the cases that found it: what happened before it
was mended. Every case stays in the suite; without a name here it has never
shown anything wrong."""

import fnmatch

# Patterns of names (fnmatch), and what came before.
RECEIVER = (
    (("sta2/type-*", "sta2/http", "sta2/tls-hello", "sta2/rq-of-*",
      "sta2/p-data-of-2^3*"),
     "the connection was closed without a word, where PS3.8 9.2.3 (AA-1) has "
     "A-ABORT"),
    (("associate/called-nul-and-more", "associate/calling-nul-and-more"),
     "a title with a NUL inside was taken for what stands before it, and let "
     "in"),
    (("associate/application-none", "associate/application-empty"),
     "the log told of a rejection that never went out"),
    (("associate/without-end",),
     "two lines in the log, and no word to the peer"),
    (("associate/even-id*", "associate/id-0", "associate/id-254"),
     "accepted: presentation contexts with IDs that there are not"),
    (("associate/id-twice*", "associate/129-contexts",
      "associate/1000-contexts"),
     "accepted: two presentation contexts with one ID, of which one counted"),
    (("associate/no-abstract", "associate/two-abstracts"),
     "accepted: a presentation context for nothing, or for one of two"),
    (("associate/application-twice", "associate/user-twice",
      "associate/item-50-empty-at-the-end",
      "associate/user-maximum-length-1000-times"),
     "accepted: which of two counted was nowhere said"),
    (("associate/user-*-1000-times", "associate/1000-transfers"),
     "accepted, and a list made of it"),
    (("associate/user-window-of-*", "associate/user-common-extended-of-*",
      "associate/user-common-extended-beyond-its-end",
      "associate/user-role-of-60000", "associate/user-extended-of-60000"),
     "accepted: items of user information that cannot be read"),
    (("associate/transfer-nul-inside",),
     "accepted as what stands before its NUL, a syntax that was not offered"),
    (("sta3/type-*", "sta3/p-data-of-*", "sta3/http", "sta3/tls-hello",
      "sta6*/type-*", "sta6*/p-data-of-*", "sta6*/http", "sta6*/tls-hello",
      "message/data-pdv-of-*", "message/command-pdv-of-[01]",
      "message/command-pdv-of-??????*", "message/p-data-of-*",
      "message/larger-than-maximum-pdu"),
     "A-ABORT by the service's user and for no reason, where AA-8 has its "
     "provider and 9.3.8 a reason"),
    (("sta3/release-rq-of-0-bytes", "sta6*/release-rq-of-0-bytes",
      "sta3/abort-of-0-bytes", "sta6*/abort-of-0-bytes"),
     "taken for whole, though it has another length"),
    (("sta6-answer/a-abort", "sta6-answer/a-abort-by-provider"),
     "answered behind the peer's A-ABORT"),
)
# The destinations have found nothing in the sender: what DCMTK's own programs
# get wrong was known when it was written. See compare.py.
SENDER = ()
FLOODS = (
    (("connect-and-close",),
     "another host's C-STORE took 9.8 s, and the log 200 lines a second"),
)


def of(name, findings=RECEIVER + SENDER):
    """What a case has found, or an empty string."""
    return "; ".join(what for patterns, what in findings
                     if any(fnmatch.fnmatchcase(name, p) for p in patterns))


def unused(names, findings):
    """Patterns that no case has."""
    return [p for patterns, _ in findings for p in patterns
            if not fnmatch.filter(names, p)]
