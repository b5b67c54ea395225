"""A fleet: runners on the nodes of a Ray cluster, started and watched from the dispatcher's.

    dispatcher -- launcher -- link ==(pipe)== bridge -- Ray -- agent -- runner
    this process                   a process that may die       a node: process or container

Only ``bridge`` imports Ray. A driver of Ray ends its process when the cluster goes; a dispatcher,
or the terminal UI that it runs in, must not end with it.
"""
