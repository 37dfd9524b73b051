"""What the people, firms and banks of the simulated world are called."""

SURNAMES = list(
    "陈林黄张李王吴刘郑杨蔡许谢叶苏何郭曾江洪罗朱周徐邱游廖赖胡魏高方詹余潘邓卢庄范翁肖沈石涂颜施"
)
GIVEN = list(
    "伟芳秀英娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂华建国志海金玉春燕辉鹏飞红梅雪莲"
    "琴云龙凤清山水木林森安宁福荣昌盛祥瑞文武博雅思远晓东南宏达永顺发"
)
TRADES = ["茶业", "石材", "鞋服", "水产", "建材", "食品", "运输", "农资", "竹木", "电子"]

#: Banks that do not exist.
OTHER_BANKS = ["示例银行", "虚构商业银行", "样本储蓄银行", "测试信用社"]
