"""The contract of records and the contract of keys, for every implementation."""

import pytest

from oauthclient import Vault
from oauthclient.storage.given_key import GivenKey
from oauthclient.storage.keyring_keys import KeyringKeys
from oauthclient.storage.keys import MemoryKeys
from oauthclient.storage.records import MemoryRecords
from oauthclient.storage.sealed_files import SealedFiles
from oauthclient.testing.contracts import KeysContract, RecordsContract
from tests.storage.backends import Dictionary, MacOS, NamedAsWindows, Windows

_KEY = bytes(range(32))


class TestMemoryRecords(RecordsContract):
    @pytest.fixture
    def open_records(self):
        records = MemoryRecords()
        return lambda: records


class TestSealedFiles(RecordsContract):
    @pytest.fixture
    def open_records(self, tmp_path):
        return lambda: SealedFiles(tmp_path / "records", GivenKey(tmp_path, passphrase=None, key=_KEY))


class TestRecordsBesideAKeyring(RecordsContract):
    @pytest.fixture
    def open_records(self, tmp_path):
        items = {}
        return lambda: Vault.keyring("app", tmp_path, backend=Dictionary(items)).records


class TestMemoryKeys(KeysContract):
    @pytest.fixture
    def open_keys(self):
        keys = MemoryKeys()
        return lambda: keys


class TestSealedKeys(KeysContract):
    @pytest.fixture
    def open_keys(self, tmp_path):
        return lambda: Vault.file(tmp_path, key=_KEY).keys


class TestKeyringKeys(KeysContract):
    @pytest.fixture
    def open_keys(self, tmp_path):
        items = {}
        return lambda: KeyringKeys("app", tmp_path, backend=Dictionary(items))


@pytest.mark.parametrize("backend", [Dictionary, Windows, NamedAsWindows, MacOS])
class TestKeysOfAVault(KeysContract):
    @pytest.fixture
    def open_keys(self, tmp_path, backend):
        items = {}
        return lambda: Vault.keyring("app", tmp_path, backend=backend(items)).keys
