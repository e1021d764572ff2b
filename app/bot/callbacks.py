"""The one filter over core/buttons: which button was pressed, as a typed action."""

from aiogram.filters import BaseFilter
from aiogram.types import CallbackQuery

from app.core.buttons import Action, unpack


class Pressed(BaseFilter):
    """Lets a press of this kind of button through, and hands its action to the handler."""

    def __init__(self, action: type[Action]) -> None:
        self._action = action

    async def __call__(self, query: CallbackQuery) -> bool | dict[str, Action]:
        action = unpack(query.data or "")
        return {"action": action} if isinstance(action, self._action) else False
