# This file is part of the tests' Tryton module. It runs inside Tryton, so it is under the GPL-3 as Tryton is.
"""Readiness on company.employee, with the validation that an admin would want."""

from trytond.model import fields
from trytond.pool import PoolMeta


class Employee(metaclass=PoolMeta):
    __name__ = "company.employee"

    roleplay_discovery = fields.Numeric(
        "Readiness: discovery", digits=(5, 1),
        domain=["OR", ("roleplay_discovery", "=", None),
                [("roleplay_discovery", ">=", 0), ("roleplay_discovery", "<=", 100)]],
    )  # fmt: skip
    roleplay_empathy = fields.Numeric("Readiness: empathy", digits=(5, 1))
    roleplay_certification = fields.Char("Last certification", size=80)
    roleplay_certified_on = fields.Date("Last certified on")
    roleplay_due = fields.Date("Next practice due")
    roleplay_source = fields.Char("Readiness: where from")
    roleplay_locked = fields.Boolean("Locked by HR")

    @classmethod
    def validate(cls, employees):
        from trytond.exceptions import UserError

        super().validate(employees)
        for employee in employees:
            if employee.roleplay_locked and employee.roleplay_discovery is not None:
                raise UserError(f"The record of {employee.rec_name} is locked by HR")
