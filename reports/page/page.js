// Enhancement only: the page says everything without it.
'use strict';
