"""How fast is this machine? ``python -m seglib bench``

``walk`` takes frames from the source to an encoded picture and times each stage, ``article`` does what the article's
loop does, ``apart`` runs each of them in a process of its own, so that neither counts the other's memory, and
``report`` says it in words. ``command`` is the door.
"""
