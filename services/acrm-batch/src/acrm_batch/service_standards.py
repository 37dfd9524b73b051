"""The service that a customer of each tier may expect."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServiceStandard:
    """What a customer of a tier may expect: visits and calls a year, and by whom."""

    tier: str
    name_zh: str
    name_en: str
    visits: int
    calls: int
    served_by_zh: str
    served_by_en: str

    @property
    def code(self) -> str:
        """What the dictionary calls it."""
        return f"TIER/{self.tier}"

    @property
    def in_words_zh(self) -> str:
        """The standard as the dictionary shows it, in Chinese."""
        return (
            f"每年走访{self.visits}次、电访{self.calls}次；本行自设参数 service.visits_{self.tier}"
            f" 和 service.calls_{self.tier} 的，以其为准；服务人员：{self.served_by_zh}。"
        )

    @property
    def in_words_en(self) -> str:
        """The standard as the dictionary shows it."""
        return (
            f"Visits a year: {self.visits}, calls a year: {self.calls}, where the bank has set no"
            f" service.visits_{self.tier} and service.calls_{self.tier} of its own;"
            f" served by: {self.served_by_en.lower()}."
        )
