# This file is part of the tests' Tryton module. It runs inside Tryton, so it is under the GPL-3 as Tryton is.
"""The fields that a RevOps admin would add to the employee for readiness from practice."""

from trytond.pool import Pool

from .employee import Employee


def register():
    Pool.register(Employee, module="rolecall_practice", type_="model")
