# SPDX-License-Identifier: Apache-2.0
"""Users for auth-file: two passwords with hashes that cost nothing."""

# crypt(3), sha512crypt of 1000 rounds, so that tests needn't wait for strong ones
PASSWORDS = {
    "alice": ("Ur-sieben+Zwerge.42",
              "$6$rounds=1000$gatehouse$n8h0aRSVN//7Dg6aIJ.0C0copge.KoZ/dKGW.kaLL/z3L"
              "wLLFORIfs0IdeG9j3VMsIxRDxQJ0ouKMP9KHHycP/"),
    "bob": ("Acht#Riesen=im%Wald.17",
              "$6$rounds=1000$gatehouse$HyZk9eZYDVRcLsytDzDVdqAqRFx2yaYKXMn5hyF8upgsx"
              "zppcwZFXgZR3uQaG9maiUqIl5E4hAuhbwS1jcR72/"),
}


def entry(user, attributes="", like=None):
    return "%s:%s%s\n" % (user, PASSWORDS[like or user][1], ":" + attributes if attributes else "")


def secret(user):
    return PASSWORDS[user][0]
