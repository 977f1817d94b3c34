/*
 * DCMTK's log. Private to *_dcmtk.cc.
 */
#ifndef DCMSPOOL_OFLOG_DCMTK_H
#define DCMSPOOL_OFLOG_DCMTK_H

/* Its warnings and errors go to our log (event "dcmtk"), nothing else goes
 * anywhere. May throw. */
void oflog_redirect();

#endif
