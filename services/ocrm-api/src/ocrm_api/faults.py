"""What is wrong with a field, by Pydantic's type of fault; its own English where there is no other.

The values of a text come from the schema, never from the request.
"""

from collections.abc import Mapping
from typing import Any

from ocrm_api.languages import Language

_CHINESE = {
    "missing": "缺少必填项。",
    "extra_forbidden": "不允许此字段。",
    "json_invalid": "不是有效的 JSON。",
    "string_type": "应为字符串。",
    "string_unicode": "应为有效的 Unicode 文本。",
    "string_too_short": "长度不得少于 {min_length} 个字符。",
    "string_too_long": "长度不得超过 {max_length} 个字符。",
    "string_pattern_mismatch": "格式不符，应匹配 {pattern}。",
    "literal_error": "取值应为 {expected}。",
    "enum": "取值应为 {expected}。",
    "int_type": "应为整数。",
    "int_parsing": "应为整数。",
    "int_parsing_size": "整数过大。",
    "int_from_float": "应为整数。",
    "float_type": "应为数字。",
    "float_parsing": "应为数字。",
    "decimal_type": "应为数字。",
    "decimal_parsing": "应为数字。",
    "bool_type": "应为布尔值。",
    "bool_parsing": "应为布尔值。",
    "greater_than": "必须大于 {gt}。",
    "greater_than_equal": "不得小于 {ge}。",
    "less_than": "必须小于 {lt}。",
    "less_than_equal": "不得大于 {le}。",
    "date_type": "应为日期（YYYY-MM-DD）。",
    "date_parsing": "应为日期（YYYY-MM-DD）。",
    "date_from_datetime_parsing": "应为日期（YYYY-MM-DD）。",
    "date_from_datetime_inexact": "应为不含时间的日期（YYYY-MM-DD）。",
    "uuid_type": "应为 UUID。",
    "uuid_parsing": "应为 UUID。",
    "list_type": "应为数组。",
    "dict_type": "应为 JSON 对象。",
    "model_type": "应为 JSON 对象。",
    "model_attributes_type": "应为 JSON 对象。",
    "too_short": "至少需要 {min_length} 项。",
    "too_long": "最多允许 {max_length} 项。",
}


def sentence(fault: Mapping[str, Any], language: Language) -> str:
    """What a person reads about one fault of a request."""
    text = _CHINESE.get(fault["type"]) if language == "zh-CN" else None
    if text is None:
        return str(fault["msg"])
    values = {**fault.get("ctx", {})}
    values["expected"] = str(values.get("expected", "")).replace(" or ", " 或 ")
    return text.format_map(values)
