import type { MetricTable } from './metric.ts';

export const SOURCE_METRICS = {
  sourceSynced: {
    name: 'shunt_source_synced',
    type: 'gauge',
    unit: '',
    labels: [],
    help: '1 once every object that existed at the start was read.',
  },
  sourceTrouble: {
    name: 'shunt_source_trouble',
    type: 'gauge',
    unit: '',
    labels: [],
    help: '1 while the source cannot be read or watched; what was read stays in force. `shunt status` says why.',
  },
  watchSynced: {
    name: 'shunt_watch_synced',
    type: 'gauge',
    unit: '',
    labels: ['resource'],
    help: '1 once all objects of the resource were read from the API server.',
  },
  watchObjects: {
    name: 'shunt_watch_objects',
    type: 'gauge',
    unit: '',
    labels: ['resource'],
    help: 'Objects that the API server has, as far as it has told.',
  },
  watchEventAge: {
    name: 'shunt_watch_event_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['resource'],
    help: 'Time since the last change that the API server told of. Absent before the first.',
  },
  watchBookmarkAge: {
    name: 'shunt_watch_bookmark_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['resource'],
    help: 'Time since the last bookmark of the API server, which sends one each minute. Absent before the first.',
  },
  watchSyncs: {
    name: 'shunt_watch_syncs_total',
    type: 'counter',
    unit: '',
    labels: ['resource', 'reason'],
    help: 'Times that all objects were asked for: at the start, or because the watch could not go on from where it was.',
  },
  watchReconnects: {
    name: 'shunt_watch_reconnects_total',
    type: 'counter',
    unit: '',
    labels: ['resource', 'cause'],
    help: 'Requests that ended otherwise than by a whole list, by cause; each is followed by another one.',
  },
  watchBadLines: {
    name: 'shunt_watch_bad_lines_total',
    type: 'counter',
    unit: '',
    labels: ['resource'],
    help: 'Lines and lists that were broken, cut, binary or too long. None is skipped: it is asked for again.',
  },
  watchWaiting: {
    name: 'shunt_watch_waiting_objects',
    type: 'gauge',
    unit: '',
    labels: ['resource'],
    help: 'Objects with a change that the agent could not take yet, and tries again.',
  },
} as const satisfies MetricTable;
