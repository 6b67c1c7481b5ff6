"""Personal digital roadmaps: the self-check, the plan it gives, its picture and its paper.

Nouns: goal, step, self-check, answer, roadmap, plan, step state, mode.
Used by residents alone or with a helper; later by households, groups and caseworkers.
"""
