import { addCollection } from '@iconify/react';
import { loader } from '@monaco-editor/react';
import * as monaco from 'monaco-editor';
import 'monaco-editor/esm/vs/basic-languages/yaml/yaml.contribution';
import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker?worker';
import mdiIcons from 'virtual:headlamp-icons';

// Icons and editor come from this origin: their libraries' defaults are public hosts.
addCollection(mdiIcons);
self.MonacoEnvironment = { getWorker: () => new EditorWorker() };
loader.config({ monaco });
