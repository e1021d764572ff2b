"""Somebody who has nothing to do with a fault, and must not notice it.

bystander = await Bystander.arrive(sandbox)  # before the fault is planned
...the fault...
await bystander.undisturbed()
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Self

from app.core.buttons import ConfirmTraining
from sandbox.supervisor import Sandbox
from sandbox.telegram.user import NeverHappenedError
from tests.bot.harness import agreeing
from tests.e2e.scenario import PATIENCE, Scenario, scenario_of

# A fault holds somebody for as long as it lasts, minutes to an hour. What is slow only because the machine
# has more to do stays far below this.
SLOWER = 3
SLACK = 4.0  # seconds: a wait for a turn of the queue, a pause between two looks


@dataclass
class Bystander:
    """`usual` is how long the whole journey takes in this sandbox while nothing is wrong, in seconds."""

    sandbox: Sandbox
    usual: float = 0.0
    _steps: list[str] = field(default_factory=list)

    @classmethod
    async def arrive(cls, sandbox: Sandbox) -> Self:
        """Play the journey once, undisturbed, to learn its usual time."""
        bystander = cls(sandbox)
        async with asyncio.timeout(3 * PATIENCE):
            bystander.usual = await bystander._journey()
        return bystander

    async def undisturbed(self) -> float:
        """Play it again, as somebody else; how long it took.

        Raises AssertionError when it takes longer than it may, or ends otherwise; it tells how far it came.
        """
        limit = SLOWER * self.usual + SLACK
        try:
            async with asyncio.timeout(limit):
                took = await self._journey()
        except (TimeoutError, NeverHappenedError) as error:
            came = ", ".join(self._steps) or "nowhere"
            raise AssertionError(
                f"a bystander's journey, usually {self.usual:.1f} s, was not over in {limit:.1f} s; "
                f"it came to: {came} ({type(error).__name__})"
            ) from error
        print(f"a bystander's journey: {self.usual:.1f} s usually, {took:.1f} s under the fault")
        return took

    async def _journey(self) -> float:
        """From the first word to "your avatar is ready"; by somebody new each time."""
        self._steps.clear()
        began = time.monotonic()
        async with scenario_of(self.sandbox) as scenario:
            await self._make_avatar(scenario)
            return time.monotonic() - began

    async def _make_avatar(self, scenario: Scenario) -> None:
        avatar_id = await scenario.chat_user.create("Свидетель")
        self._steps.append("avatar made")
        await scenario.chat_user.fill()
        self._steps.append("photos accepted")
        await scenario.chat_user.tap(ConfirmTraining(avatar_id))
        await scenario.chat_user.user.press(agreeing(avatar_id).pack())
        self._steps.append("training confirmed")
        await scenario.until(scenario.submits)
        self._steps.append("training submitted")
        await scenario.hears("training-completed", name="Свидетель")
        self._steps.append("ready")
