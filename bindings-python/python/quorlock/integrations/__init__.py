"""Locks that travel with a job: held from the moment it is published until it is done.

The publisher takes the lock and hands it over as a ticket inside the job; the worker adopts it,
renews it while the job runs, and gives it back at the end. One module per queue: ``celery``,
``rq``, ``arq``, ``dramatiq``; each needs its queue installed, and nothing is imported before.

What happens to a job is the same with every queue:

==================================  =============================================================
The lock is taken already           publishing returns ``None``: it is scheduled, do nothing
Publishing fails                    the lock is given back at once
The job runs                        under the lock; ``Guard.current()`` is the guard inside
The job ends well                   the lock is given back, and the ticket is used up
The job will be tried again         the lock is kept for the next try, under a new ticket
The job fails for good              the lock is given back
Delivered again, the work is done   the job does nothing
Delivered again, the work goes on   ``busy``: ``"retry"`` looks again later, ``"skip"`` does nothing
The ticket has run out              ``expired``: ``"fail"`` raises `NotHeldError`, ``"relock"`` takes
                                    the lock afresh, ``"skip"`` does nothing
The lock is lost while it runs      ``Guard.current().check()`` raises `LeaseLostError`, and so does
                                    the job at its end
The worker dies                     the lock runs out with its ttl; a redelivery finds the ticket
                                    in use until then, and run out after
==================================  =============================================================
"""
