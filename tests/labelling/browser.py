"""The system's own chromium, driven by Selenium; no browser and no driver is ever downloaded."""

import json
import shutil
import time
from collections.abc import Callable
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
DRIVER = shutil.which("chromedriver")
NO_BROWSER = "there is no chromium and chromedriver here: apt-get install chromium chromium-driver"
KEYS = {"←": ("ArrowLeft", 37), "→": ("ArrowRight", 39), "↑": ("ArrowUp", 38), "↵": ("Enter", 13), "⇥": ("Tab", 9)}
SECONDS = 60  # to wait for anything


class Browser:
    """A headless browser with one page, as wide as is asked for."""

    def __init__(self) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        # Containers have neither the kernel's sandbox nor much shared memory.
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))

    def look(self, width: int = 1280, height: int = 800, touch: bool = False, **media: str) -> None:
        """Be a screen of this size; `media`: prefers_color_scheme="dark", prefers_reduced_motion="reduce"."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        self.do("Emulation.setDeviceMetricsOverride", **metrics)
        self.do("Emulation.setTouchEmulationEnabled", enabled=touch)
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self.do("Emulation.setEmulatedMedia", features=features)

    def open(self, address: str) -> None:
        self.driver.get("about:blank")  # the page before may still ask a server that has gone
        self.messages(), self.addresses()
        self.driver.get(address)

    def do(self, command: str, **parameters: Any) -> dict[str, Any]:
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def press(self, key: str, held: int = 0, modifiers: int = 0) -> None:
        """Press a key, which repeats so often before it is let go."""
        name, code = KEYS.get(key, (key, ord(key.upper()) if key.isalpha() else 0))
        fields = {"key": name, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        fields |= {"text": "\r"} if key == "↵" else {"text": key} if name == key else {}
        for repeat in range(1 + held):
            self.do("Input.dispatchKeyEvent", type="keyDown", autoRepeat=repeat > 0, **fields)
            time.sleep(0.04 if held else 0)
        self.do("Input.dispatchKeyEvent", type="keyUp", **{name: fields[name] for name in fields if name != "text"})

    def tap(self, identity: str) -> None:
        """Touch the middle of an element with a finger."""
        self.run(f"document.getElementById('{identity}').scrollIntoView({{block: 'center'}})")
        box = self.run(f"return document.getElementById('{identity}').getBoundingClientRect().toJSON()")
        point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        self.do("Input.dispatchTouchEvent", type="touchStart", touchPoints=[point])
        self.do("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def element(self, identity: str) -> WebElement:
        return self.driver.find_element(By.ID, identity)

    def text(self, identity: str) -> str:
        return self.element(identity).text

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        WebDriverWait(self.driver, SECONDS, 0.02).until(lambda _: condition(), what)

    def messages(self) -> list[str]:
        """What the page wrote to the console since the last time, errors above all."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def addresses(self) -> set[str]:
        """All that the page asked for since the last time."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return {request["request"]["url"] for request in sent}
